"""A network on MNIST, as written for Keras: only the imports name another package."""

from fastnn.keras.datasets import mnist
from fastnn.keras.layers import Dense, Flatten
from fastnn.keras.models import Sequential
from fastnn.keras.optimizers import Adam

(x_train, y_train), (x_test, y_test) = mnist.load_data()

model = Sequential([
    Flatten(input_shape=(28, 28)),
    Dense(128, activation='relu'),
    Dense(10, activation='softmax'),
])

model.compile(optimizer=Adam(learning_rate=0.001),
              loss='sparse_categorical_crossentropy',
              metrics=['accuracy'])

model.fit(x_train, y_train, epochs=5, batch_size=128)

model.evaluate(x_test, y_test)

predictions = model.predict(x_test)
print(predictions[0])
